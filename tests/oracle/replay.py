"""Runs random programs through CPython's functools.lru_cache and prints what happened.

    python3 replay.py SEED OPERATIONS

prints at least that many operations as programs, one JSON object in a line, each with the trace CPython left.
The golden traces were recorded like this, and can be so again:

    python3 replay.py 1 4000 > golden/seed-1.jsonl

A program calls one memoized function, whose runs follow a script, so that both sides do the same:

maxsize     null, a number, or "default"
script      one letter for each run of the function, over again when it is used up; see `run`
operations  a number is a call with it, "clear" is cache_clear
trace       four numbers for each operation: its result, then hits, misses and currsize of cache_info;
            the result of a call that raised is -1 minus the number it raised, that of "clear" is 0
"""

import functools
import json
import random
import sys

MAXSIZES = [None, 0, 1, 2, 3, 16, 128, "default"]
PRIME = 1_000_003
# From here on, a number n stands for the Fibonacci number n - FIBONACCI.
FIBONACCI = 10_000


class Failure(Exception):
    """What a failing run raises."""


class Program:
    def __init__(self, maxsize, script, operations):
        self.maxsize, self.script, self.operations = maxsize, script, operations
        self.runs = 0
        decorate = functools.lru_cache if maxsize == "default" else functools.lru_cache(maxsize=maxsize)
        self.call = decorate(self.run)

    def run(self, n):
        if n >= FIBONACCI:
            if n < FIBONACCI + 2:
                return n - FIBONACCI
            return (self.call(n - 1) + self.call(n - 2)) % PRIME
        self.runs += 1
        # The number of the run is part of the result: it tells which run a cached value came from.
        ticket, step = self.runs, self.script[self.runs % len(self.script)]
        if step == "f":  # fails
            raise Failure(ticket)
        if step == "d" and n >= 2:  # descends, and passes failures on
            return (self.call(n - 1) + self.call(n - 2) + ticket) % PRIME
        if step == "s":  # calls with the same argument, whatever comes of it
            return (self.attempt(n) + ticket) % PRIME
        if step == "n":  # calls with the next argument, whatever comes of it
            return (self.attempt(n + 1) + ticket) % PRIME
        return ticket

    def attempt(self, n):
        try:
            return self.call(n)
        except Failure:
            return 7

    def trace(self):
        for operation in self.operations:
            result = 0
            if operation == "clear":
                self.call.cache_clear()
            else:
                try:
                    result = self.call(operation)
                except Failure as failure:
                    result = -1 - failure.args[0]
            info = self.call.cache_info()
            yield from (result, info.hits, info.misses, info.currsize)


def random_program(generator, maxsize):
    # `r` returns. The weights keep the number of calls that a run makes well below one, on average.
    script = "".join(generator.choices("rfdsn", [60, 12, 16, 6, 6], k=generator.randrange(20, 60)))
    entries = {None: 40, "default": 128}.get(maxsize, maxsize)
    # Few enough different arguments to hit, enough of them to evict.
    arguments = entries + 1 + generator.randrange(entries + 4)
    fibonacci = 20 if entries > 2 else 7
    operations = []
    for _ in range(max(60, 5 * arguments)):
        kind = generator.random()
        if kind < 0.004:
            operations.append("clear")
        elif kind < 0.06:
            operations.append(FIBONACCI + generator.randrange(fibonacci))
        elif kind < 0.6:
            operations.append(generator.randrange(arguments))
        else:  # mostly small ones, to hit
            operations.append(min(int(generator.expovariate(4 / arguments)), arguments))
    return Program(maxsize, script, operations)


def main(seed, least):
    generator = random.Random(seed)
    operations, number = 0, 0
    while operations < least:
        program = random_program(generator, MAXSIZES[number % len(MAXSIZES)])
        line = {
            "maxsize": program.maxsize,
            "script": program.script,
            "operations": program.operations,
            "trace": list(program.trace()),
        }
        print(json.dumps(line, separators=(",", ":")))
        operations += len(program.operations)
        number += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
