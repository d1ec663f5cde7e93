// The hold model in ns-3. Arguments: timers, events. Prints seconds per million events.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include "ns3/core-module.h"

using namespace ns3;

static Ptr<ExponentialRandomVariable> g_delay;
static long g_left;

static void Fire(int timer) {
  if (--g_left == 0) { Simulator::Stop(); return; }
  Simulator::Schedule(NanoSeconds(g_delay->GetInteger()), &Fire, timer);
}

int main(int argc, char** argv) {
  const int timers = std::atoi(argv[1]);
  const long events = g_left = std::atol(argv[2]);
  g_delay = CreateObject<ExponentialRandomVariable>();
  g_delay->SetAttribute("Mean", DoubleValue(1e6));
  for (int i = 0; i < timers; i++) Simulator::Schedule(NanoSeconds(g_delay->GetInteger()), &Fire, i);
  const auto started = std::chrono::steady_clock::now();
  Simulator::Run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("%g\n", took.count() / events * 1e6);
}
