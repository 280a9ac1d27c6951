"""How long tinytorch and others take for a step that is also written by hand in NumPy.

- `workloads` says what is computed: each workload is a class with one method a library.
- `libraries` says how each library is made to take a step, and `worker` runs one in a process.
- `rounds` starts the workers, sees that all results are equal, and times them turn by turn.
- `memory` and `imports` measure what is not the time of a step.
- `report` writes the tables, `profiling` shows where the time goes.

`nox -s bench` runs all of it; ``nox -s bench -- --help`` lists the options.
"""
