"""STORE -> JSON: what people, screens and district systems read and do over HTTP."""
