"""Models on the Hugging Face Hub: what an address means, downloads with deadlines and checksums, uploads."""
