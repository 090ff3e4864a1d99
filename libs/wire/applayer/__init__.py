"""Messages of the LoRa Alliance's packages for applications, one module each."""
