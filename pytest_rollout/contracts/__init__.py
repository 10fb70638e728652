"""What is deployed on a chain: artifacts, addresses, contracts by name, and their declared states."""
