"""What says who a person is, apart from the log: kept, opened, erased."""
