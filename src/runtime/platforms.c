// The platforms: which device and which compiler make a plugin.
#include "runtime/client.h"

const PjPlatform pj_platform_cpu = {
    .device = &pj_device_cpu,
    .compiler = &pj_compiler_native,
    .version = "libpjrt 0.1.0",
};

// The null platform moves data; what programs it is given is compiled for its hosts' memory and
// cannot run.
const PjPlatform pj_platform_null = {
    .device = &pj_device_null,
    .compiler = &pj_compiler_eval,
    .version = "libpjrt 0.1.0 (null)",
};
