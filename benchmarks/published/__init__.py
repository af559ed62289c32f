"""What the benchmarks on published data sets share: data, networks with frame heads, baselines."""
