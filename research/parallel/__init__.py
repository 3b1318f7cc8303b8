"""Devices and the host: the only package that knows how one function is spread over them."""
