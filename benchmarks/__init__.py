"""Benchmarks: what the library costs. They measure, and assert nothing."""
