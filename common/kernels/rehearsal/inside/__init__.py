"""What runs beside a kernel in its session; standard library only, loaded by path."""
