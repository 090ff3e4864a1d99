"""LoRaWAN frames, crypto, MAC commands, regions and airtime."""
