"""What two programs must agree on: frames, topics, documents."""
