"""Runs random programs, in which the bound changes, on an LRU cache made of CPython's OrderedDict.

    python3 resize.py SEED OPERATIONS

CPython's functools.lru_cache has no resize. The cache here does the same as that one as long as nothing is resized, which
is tried first. Prints one program as a JSON object in a line:

maxsize     the first bound
operations  a number is a call with it, "clear" is cache_clear, [n] is a resize to n
trace       four numbers for each operation: hits, misses, maxsize, currsize
runs        the number of the run that each call got its value from, 0 for other operations
"""

import functools
import json
import random
import sys
from collections import OrderedDict

MAXSIZES = [0, 1, 2, 3, 16, 128]


class Cache:
    def __init__(self, maxsize, function):
        self.maxsize, self.function = maxsize, function
        self.entries, self.hits, self.misses = OrderedDict(), 0, 0

    def __call__(self, key):
        if key in self.entries:
            self.hits += 1
            self.entries.move_to_end(key)
            return self.entries[key]
        self.misses += 1
        value = self.function(key)
        if key not in self.entries and self.maxsize > 0:
            self.resize(self.maxsize, room_for=1)
            self.entries[key] = value
        return value

    def resize(self, maxsize, room_for=0):
        self.maxsize = maxsize
        while len(self.entries) + room_for > maxsize and self.entries:
            self.entries.popitem(last=False)

    def cache_clear(self):
        self.entries.clear()
        self.hits = self.misses = 0

    def cache_info(self):
        return functools._CacheInfo(self.hits, self.misses, self.maxsize, len(self.entries))


class Runs:
    """The function: it returns the number of its run, and sometimes calls itself through the cache."""

    def __init__(self, decorate):
        self.runs = 0
        self.call = decorate(self.run)

    def run(self, n):
        self.runs += 1
        number = self.runs
        if n % 5 == 4:
            self.call(n - 1)
        return number


def trace(runs, operations):
    infos, numbers = [], []
    for operation in operations:
        number = 0
        if operation == "clear":
            runs.call.cache_clear()
        elif isinstance(operation, list):
            runs.call.resize(operation[0])
        else:
            number = runs.call(operation)
        infos.extend(runs.call.cache_info())
        numbers.append(number)
    return infos, numbers


def main(seed, least):
    generator = random.Random(seed)
    count = 0
    while count < least:
        maxsize = generator.choice(MAXSIZES)
        keys = generator.choice([4, 10, 40, 300])
        operations = [generator.randrange(keys) for _ in range(6 * keys)]
        operations = ["clear" if generator.random() < 0.004 else operation for operation in operations]
        real = trace(Runs(functools.lru_cache(maxsize=maxsize)), operations)
        assert real == trace(Runs(lambda run: Cache(maxsize, run)), operations), operations
        for at in range(0, len(operations), generator.randrange(3, 2 * keys)):
            operations.insert(at, [generator.choice([0, 1, 2, keys // 2, keys, generator.randrange(2 * keys)])])
        infos, numbers = trace(Runs(lambda run: Cache(maxsize, run)), operations)
        line = {"maxsize": maxsize, "operations": operations, "trace": infos, "runs": numbers}
        print(json.dumps(line, separators=(",", ":")))
        count += len(operations)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
