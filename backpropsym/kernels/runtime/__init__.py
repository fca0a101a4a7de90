"""What a kernel does besides its statements; a saved kernel carries the text of these modules."""
