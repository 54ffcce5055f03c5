// Moved to config/policy.h.
#pragma once
#include "config/policy.h"
