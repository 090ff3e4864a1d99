"""What touches the world: MQTT, threads and the clock."""
