"""What every proof stands on: instances, the machines and servers beside them, faults, the witness and the report."""
