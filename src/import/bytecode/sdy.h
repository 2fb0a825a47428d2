// Encodings of the sdy dialect's attributes.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum PjSdyKind {
  PJ_SDY_MESH,      // attribute: the symbol of a mesh, or a mesh
  PJ_SDY_OPT_ATTR,  // attribute with a presence flag
  PJ_SDY_ARRAY,     // list of attributes
  PJ_SDY_OPT_ARRAY, // the same; no field when empty
  PJ_SDY_STRING,    // index into the strings
  PJ_SDY_INT,       // zigzag
  PJ_SDY_OPT_INT,   // unsigned with a presence flag
  PJ_SDY_INTS,      // list of zigzag
  PJ_SDY_BOOL,      // a byte
} PjSdyKind;

typedef struct PjSdyField {
  const char *name;
  PjSdyKind kind;
  const char *of; // PJ_ATTR_STRUCT that it or each of its elements is; NULL: strings
} PjSdyField;

enum { PJ_SDY_MAX_FIELDS = 8 };

typedef struct PjSdyAttr {
  int code;         // equal to the row's number. ORDER sdy
  const char *name; // of the PJ_ATTR_STRUCT
  PjSdyField fields[PJ_SDY_MAX_FIELDS];
} PjSdyAttr;

extern const PjSdyAttr pj__sdy_attrs[];
extern const size_t pj__sdy_num_attrs;
