"""File formats that several rooms read, as plain data and nothing else."""
