"""The strict frame of incidents.yaml: which alerts are one situation."""
