"""torch.compile(model, backend="libpjrt"): PyTorch's graphs as StableHLO, run by a PJRT plugin. doc/torch.md."""
