"""EVENT to SERIES: newest values, buckets and the ledger, folded from the log with the cursor in one transaction."""
