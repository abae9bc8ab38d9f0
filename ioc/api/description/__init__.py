"""The API's description (OpenAPI), and the page made of it."""
