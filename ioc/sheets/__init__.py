"""Sheets of people: read in bounds from .xlsx or CSV, their cells told by place, and workbooks written."""
