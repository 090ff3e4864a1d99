"""What ChirpStack v4 says and hears on MQTT: topics, event documents, commands."""
