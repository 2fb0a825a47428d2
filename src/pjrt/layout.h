// Layouts as objects of the layouts extension.
#pragma once
#include "pjrt/ext/layouts.h"
#include "pjrt/surface.h"

struct PJRT_Layouts_MemoryLayout {
  const PjShape *shape;
};
