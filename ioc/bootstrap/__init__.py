"""The composition root: settings to stores, doors, engine, web app. Alone imports every room; one file per process."""
