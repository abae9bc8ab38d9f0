"""The bridge: for a site that has a broker already. The only room that speaks through paho."""
