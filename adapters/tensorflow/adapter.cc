// What a pluggable device of TensorFlow has to do in TensorFlow's own C++, for the one minor
// version that this file was compiled against: make TensorFlow's PJRT client from our table of
// functions, register it for the device, and say that the device is compiled for. TensorFlow
// declares a C function for the first two (TF_CreateAndSetPjRtCApiClient), but none of its
// libraries contains it.
//
// Errors go into TF_Status and become Python exceptions. No exception leaves a function: all is
// called from C.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "entry.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/compiler/jit/flags.h"
#include "tensorflow/compiler/tf2xla/xla_op_registry.h"
#include "tensorflow/core/common_runtime/next_pluggable_device/c/plugin_c_api.h"

// The parts of two headers that the wheel ships without what they include in turn (MLIR's). The
// names of the symbols, which hold all types, are checked when the adapter is linked.
namespace xla {

class KeyValueStoreInterface;
// xla/pjrt/pjrt_common.h
using PjRtValueType = std::variant<std::string, bool, int64_t, std::vector<int64_t>, float>;

// xla/pjrt/pjrt_client.h; the destructor is the first virtual function there too.
class PjRtClient {
public:
  virtual ~PjRtClient();
};

// xla/pjrt/c_api_client/pjrt_c_api_client.h
absl::StatusOr<std::unique_ptr<PjRtClient>>
GetCApiClient(absl::string_view device_type,
              const absl::flat_hash_map<std::string, PjRtValueType> &create_options,
              std::shared_ptr<KeyValueStoreInterface> kv_store);

} // namespace xla

namespace tensorflow {

// tensorflow/core/tfrt/common/pjrt_util.h
absl::Status SetPjRtClientInTFGlobalResourceManager(const DeviceType &device_type,
                                                    std::unique_ptr<xla::PjRtClient> client);

} // namespace tensorflow

namespace {

// entry.h against the original.
static_assert(sizeof(PjTfApi) == sizeof(TFNPD_Api));
static_assert(offsetof(PjTfApi, functions[PJ_TFNPD_SAME_DEVICE_COPY]) ==
              offsetof(TFNPD_Api, TFNPD_SameDevicePjRtBufferCopy));
static_assert(offsetof(PjTfApi, functions[PJ_TFNPD_DEVICE_SHAPE]) ==
              offsetof(TFNPD_Api, TFNPD_XlaShapeToDeviceShapeRepresentation));
static_assert(offsetof(PjTfApi, functions[PJ_TFNPD_DEVICE_COUNT]) ==
              offsetof(TFNPD_Api, TFNPD_GetDeviceCount));
static_assert(offsetof(PjTfApi, functions[PJ_TFNPD_INIT_DEVICES]) ==
              offsetof(TFNPD_Api, TFNPD_InitPluginInternalDeviceStates));
static_assert(sizeof(PjTfParams) == sizeof(TFNPD_PluginParams));
static_assert(offsetof(PjTfParams, priority) == offsetof(TFNPD_PluginParams, priority));
static_assert(offsetof(PjTfParams, use_pjrt_on_demand_compile) ==
              offsetof(TFNPD_PluginParams, use_pjrt_on_demand_compile));

const PJRT_Api *core; // The core plugin's table; set once, when the adapter is opened.

void SetStatus(TF_Status *status, const absl::Status &error) {
  TF_SetStatus(status, static_cast<TF_Code>(error.code()), std::string(error.message()).c_str());
}

// Takes a failure of the core plugin into |status| and frees it. True if there was none; |status|
// is then as before.
bool Succeeded(PJRT_Error *error, TF_Status *status) {
  if (!error)
    return true;
  PJRT_Error_GetCode_Args code = {};
  code.struct_size = PJRT_Error_GetCode_Args_STRUCT_SIZE;
  code.error = error;
  core->PJRT_Error_GetCode(&code);
  PJRT_Error_Message_Args message = {};
  message.struct_size = PJRT_Error_Message_Args_STRUCT_SIZE;
  message.error = error;
  core->PJRT_Error_Message(&message);
  TF_SetStatus(status, static_cast<TF_Code>(code.code),
               std::string(message.message, message.message_size).c_str());
  PJRT_Error_Destroy_Args destroy = {};
  destroy.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE;
  destroy.error = error;
  core->PJRT_Error_Destroy(&destroy);
  return false;
}

// How many devices a client has. TensorFlow asks while it is imported, long before it needs a
// client, so the one that is counted does not stay: a process that forks after the import has none
// of its threads.
int32_t CountDevices(TF_Status *status) {
  static std::mutex lock;
  static int32_t count = -1;
  std::lock_guard<std::mutex> guard(lock);
  if (count >= 0)
    return count;
  PJRT_Client_Create_Args create = {};
  create.struct_size = PJRT_Client_Create_Args_STRUCT_SIZE;
  if (!Succeeded(core->PJRT_Client_Create(&create), status))
    return 0;
  PJRT_Client_AddressableDevices_Args devices = {};
  devices.struct_size = PJRT_Client_AddressableDevices_Args_STRUCT_SIZE;
  devices.client = create.client;
  if (Succeeded(core->PJRT_Client_AddressableDevices(&devices), status))
    count = static_cast<int32_t>(devices.num_addressable_devices);
  PJRT_Client_Destroy_Args destroy = {};
  destroy.struct_size = PJRT_Client_Destroy_Args_STRUCT_SIZE;
  destroy.client = create.client;
  return Succeeded(core->PJRT_Client_Destroy(&destroy), status) ? std::max(count, 0) : 0;
}

// Called whenever TensorFlow makes its devices; the client is made the first time and belongs to
// TensorFlow from then on, which keeps it until the process ends.
void InitDevices(TF_Status *status) {
  static std::mutex lock;
  static bool done = false;
  std::lock_guard<std::mutex> guard(lock);
  if (done)
    return;
  absl::StatusOr<std::unique_ptr<xla::PjRtClient>> client =
      xla::GetCApiClient(PJ_TF_DEVICE, {}, nullptr);
  absl::Status set = client.ok() ? tensorflow::SetPjRtClientInTFGlobalResourceManager(
                                       tensorflow::DeviceType(PJ_TF_DEVICE), *std::move(client))
                                 : client.status();
  done = set.ok();
  if (!done)
    SetStatus(status, set);
}

// Lists of XLA's C structs keep up to TPU_C_API_MAX_INLINED elements in place and more in memory
// from new[], which TensorFlow deletes.
template <typename List> void CopyList(const List &from, List *to) {
  *to = from;
  if (from.size <= TPU_C_API_MAX_INLINED)
    return;
  using Element = std::remove_pointer_t<decltype(to->heap)>;
  to->heap = new Element[from.size];
  std::copy_n(from.heap, from.size, to->heap);
}

void CopyShape(const XLA_Shape &from, XLA_Shape *to) {
  *to = from;
  CopyList(from.dimensions, &to->dimensions);
  CopyList(from.dynamic_dimensions, &to->dynamic_dimensions);
  if (from.ntuple_shapes > 0) {
    to->tuple_shapes = new XLA_Shape[from.ntuple_shapes];
    for (int i = 0; i < from.ntuple_shapes; ++i)
      CopyShape(from.tuple_shapes[i], &to->tuple_shapes[i]);
  }
  if (!from.has_layout)
    return;
  CopyList(from.layout.minor_to_major, &to->layout.minor_to_major);
  CopyList(from.layout.tiles, &to->layout.tiles);
  const XLA_Tile *tiles = from.layout.tiles.size <= TPU_C_API_MAX_INLINED
                              ? from.layout.tiles.inlined
                              : from.layout.tiles.heap;
  XLA_Tile *copies = from.layout.tiles.size <= TPU_C_API_MAX_INLINED ? to->layout.tiles.inlined
                                                                     : to->layout.tiles.heap;
  for (int64_t i = 0; i < from.layout.tiles.size; ++i)
    CopyList(tiles[i].dimensions, &copies[i].dimensions);
}

// Our arrays lie as the host's do: dense, the last dimension contiguous.
void DeviceShape(XLA_Shape *shape, int, bool, XLA_LayoutPreference, XLA_Shape *device_shape,
                 TF_Status *) {
  CopyShape(*shape, device_shape);
}

// A copy of |source| in the same memory. NULL with an error in |status|.
PJRT_Buffer *CopyBuffer(PJRT_Buffer *source, PJRT_Client *, TF_Status *status) {
  PJRT_Buffer_Memory_Args memory = {};
  memory.struct_size = PJRT_Buffer_Memory_Args_STRUCT_SIZE;
  memory.buffer = source;
  if (!Succeeded(core->PJRT_Buffer_Memory(&memory), status))
    return nullptr;
  PJRT_Buffer_CopyToMemory_Args copy = {};
  copy.struct_size = PJRT_Buffer_CopyToMemory_Args_STRUCT_SIZE;
  copy.buffer = source;
  copy.dst_memory = memory.memory;
  return Succeeded(core->PJRT_Buffer_CopyToMemory(&copy), status) ? copy.dst_buffer : nullptr;
}

// What TensorFlow's flags --tf_xla_use_device_api and --tf_xla_use_device_api_for_* say, for our
// device alone.
void AllowDevice() {
  auto &rollout = tensorflow::GetXlaOpsCommonFlags()->tf_xla_use_device_api;
  const tensorflow::DeviceType device(PJ_TF_DEVICE);
  rollout.AllowForDeviceInXlaLaunch(device);
  rollout.AllowForDeviceInXlaCompileOnDemand(device);
  rollout.AllowForDeviceInXlaCompileAndRun(device);
  rollout.enabled_for_xla_launch_ = true;
  rollout.enabled_for_compile_on_demand_ = true;
  rollout.enabled_for_compile_and_run_ = true;
}

// A constant of an eager program, as it came.
void PassConstant(void *, TF_OpKernelContext *context) {
  TF_Status *status = TF_NewStatus();
  TF_Tensor *tensor = nullptr;
  TF_GetInput(context, 0, &tensor, status);
  if (TF_GetCode(status) == TF_OK)
    TF_SetOutput(context, 0, tensor, status);
  if (TF_GetCode(status) != TF_OK)
    TF_OpKernelContext_Failure(context, status);
  TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

// TensorFlow keeps int32 constants of eager programs in host memory, whatever the device, and runs
// the operation that makes them as if it did so; but the kernel that it registers for devices like
// ours wants them in the device's, and what arrives is read at the wrong address. This kernel,
// preferred to that one, has them in host memory.
void RegisterConstants(TF_Status *status) {
  TF_KernelBuilder *builder =
      TF_NewKernelBuilder("_EagerConst", PJ_TF_DEVICE, nullptr, PassConstant, nullptr);
  TF_KernelBuilder_TypeConstraint(builder, "T", TF_INT32, status);
  if (TF_GetCode(status) != TF_OK)
    return TF_DeleteKernelBuilder(builder);
  TF_KernelBuilder_HostMemory(builder, "input");
  TF_KernelBuilder_HostMemory(builder, "output");
  TF_KernelBuilder_Priority(builder, 1);
  TF_RegisterKernelBuilder("PjrtEagerConst", builder, status);
}

} // namespace

extern "C" __attribute__((visibility("default"))) const PjTfApi *
pj_tf_adapter(const PJRT_Api *api, char *why, size_t why_size) {
  // Patch releases keep the C++ interface; minor ones do not.
  const std::string version = TF_Version(), built = PJ_TF_BUILT_FOR ".";
  if (version.compare(0, built.size(), built) != 0) {
    std::snprintf(why, why_size, "this adapter is for TensorFlow " PJ_TF_BUILT_FOR ", not for %s",
                  version.c_str());
    return nullptr;
  }
  // Asked of TensorFlow: another copy of this file may have come first.
  if (tensorflow::DeviceFactory::GetFactory(PJ_TF_DEVICE)) {
    std::snprintf(why, why_size, "it is loaded already, from another place");
    return nullptr;
  }
  core = api;
  tensorflow::XlaOpRegistry::DeviceRegistration registration;
  registration.compilation_device_name = PJ_TF_COMPILER;
  registration.autoclustering_policy =
      tensorflow::XlaOpRegistry::AutoclusteringPolicy::kIfExplicitlyRequested;
  tensorflow::XlaOpRegistry::RegisterCompilationDevice(PJ_TF_DEVICE, registration);
  AllowDevice();
  TF_Status *status = TF_NewStatus();
  RegisterConstants(status);
  const bool registered = TF_GetCode(status) == TF_OK;
  if (!registered)
    std::snprintf(why, why_size, "%s", TF_Message(status));
  TF_DeleteStatus(status);
  static const TFNPD_Api functions = [] {
    TFNPD_Api table = {};
    table.struct_size = TFNPD_Api_STRUCT_SIZE;
    table.TFNPD_SameDevicePjRtBufferCopy = CopyBuffer;
    table.TFNPD_XlaShapeToDeviceShapeRepresentation = DeviceShape;
    table.TFNPD_GetDeviceCount = CountDevices;
    table.TFNPD_InitPluginInternalDeviceStates = InitDevices;
    return table;
  }();
  return registered ? reinterpret_cast<const PjTfApi *>(&functions) : nullptr;
}
