// How many processors this process may use.
#pragma once

// Processors that the affinity of the calling thread and the CPU quotas of its control groups
// leave, at least 1.
int pj_cpu_count(void);
