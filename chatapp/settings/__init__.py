"""Parts of config.py, which alone calls them. They are given the environment, and look at nothing else."""
