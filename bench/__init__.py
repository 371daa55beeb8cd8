"""How fast this is, beside its peers: real servers as processes, a load generator in C, figures and plots.

make bench                                    everything, for hours; writes docs/benchmarks/
make bench BENCH=quick                        everything that is quick, once and short; writes build/bench/report/
make bench ONLY="fanout_200 rate_500"         some
python -m bench fanout_200 --only ours-sqlite,node-sqlite --quick
BENCH_ROOT=/another/checkout python -m bench …    measures that one as "ours"
"""
