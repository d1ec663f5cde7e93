# The hold model in SimPy. Arguments: timers, events. Prints seconds per million events.
import random
import sys
import time

import simpy

timers, events = int(sys.argv[1]), int(sys.argv[2])
left = events


def hold(env, done):
    global left
    while True:
        yield env.timeout(random.expovariate(1e-6))
        left -= 1
        if left == 0:
            done.succeed()


env = simpy.Environment()
random.seed(1)
done = env.event()
for _ in range(timers):
    env.process(hold(env, done))
started = time.perf_counter()
env.run(until=done)
print((time.perf_counter() - started) / events * 1e6)
