"""What every route shares of HTTP: problems, filters, paging, headers, bodies, deadlines, answers."""
