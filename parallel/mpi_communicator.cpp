// Collectives as non-blocking MPI calls on chunks that an int can count.
#include "parallel/mpi_communicator.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <exception>
#include <utility>

#include <mpi.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/bfloat16_reduce.h"
#include "parallel/mpi_environment.h"
#include "parallel/native_check.h"
#include "parallel/tensor_check.h"

namespace bertha {
namespace {

// Of one MPI call: some transports count bytes, and not elements, in an int.
constexpr std::int64_t kLongestMessageBytes = std::int64_t{1} << 30;

// What everybody gives first in gather_bytes: how much there is, and as much of it as goes along.
// Most texts end there, and so cost one MPI call.
struct Letter {
  std::int64_t length = 0;
  std::array<char, 248> begin{};
};

MPI_Datatype mpi_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kBFloat16:
      return MPI_UINT16_T;
    case at::kInt:
      return MPI_INT32_T;
    case at::kLong:
      return MPI_INT64_T;
    default:
      throw Error(ErrorKind::internal, "collective: no MPI type for this tensor");
  }
}

// Address of the element `offset` elements into a tensor.
std::byte* element(const at::Tensor& tensor, std::int64_t offset) {
  return static_cast<std::byte*>(tensor.data_ptr()) +
         offset * static_cast<std::int64_t>(tensor.element_size());
}

class MpiWork final : public Work {
 public:
  explicit MpiWork(std::vector<at::Tensor> tensors) : tensors_(std::move(tensors)) {}

  ~MpiWork() override {
    if (requests_.empty()) return;
    if (std::uncaught_exceptions() > 0) {
      // MPI may still write: the memory stays until the process ends.
      static_cast<void>(new std::vector<at::Tensor>(std::move(tensors_)));
      return;
    }
    try {
      wait();
    } catch (const std::exception& error) {
      log_warning(std::string("unfinished collective: ") + error.what());
    }
  }

  MpiWork(const MpiWork&) = delete;
  MpiWork& operator=(const MpiWork&) = delete;

  MPI_Request* add_request() { return &requests_.emplace_back(MPI_REQUEST_NULL); }

  void wait() override {
    auto requests = std::exchange(requests_, {});
    check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE),
              "MPI_Waitall");
    tensors_.clear();
  }

  bool progress() override {
    if (requests_.empty()) return true;
    int done = 0;
    check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                          MPI_STATUSES_IGNORE),
              "MPI_Testall");
    if (done != 0) requests_.clear();
    return done != 0;
  }

 private:
  std::vector<at::Tensor> tensors_;
  std::vector<MPI_Request> requests_;
};

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(const RankInfo& rank_info, std::int64_t chunk_elements);
  ~MpiCommunicator() override;
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  const RankInfo& rank_info() const override { return rank_info_; }
  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override;
  std::unique_ptr<Work> reduce_scatter(at::Tensor input, at::Tensor output) override;
  std::unique_ptr<Work> all_gather(at::Tensor input, at::Tensor output) override;
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override;
  void broadcast(at::Tensor values, int root) override;
  std::vector<std::string> gather_bytes(std::string_view bytes) override;
  void abort(int exit_code) noexcept override { abort_job(exit_code); }

 private:
  MPI_Op mpi_op(const at::Tensor& tensor, ReduceOp op) const;
  std::vector<Letter> gather_letters(std::string_view bytes) const;
  // Calls transfer(offset, count) for the chunks of `elements` elements of this type.
  template <class Transfer>
  void in_chunks(at::ScalarType type, std::int64_t elements, const Transfer& transfer) const {
    const auto element_bytes = static_cast<std::int64_t>(c10::elementSize(type));
    const auto chunk = std::min(chunk_elements_, kLongestMessageBytes / element_bytes);
    for (std::int64_t offset = 0; offset < elements; offset += chunk) {
      transfer(offset, static_cast<int>(std::min(chunk, elements - offset)));
    }
  }

  RankInfo rank_info_;
  std::int64_t chunk_elements_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  Bfloat16Operations bfloat16_;
};

void require_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return;
  throw Error(ErrorKind::internal, "MPI collective: the tensor is not in host memory",
              "use parallel.backend = nccl for device tensors");
}

MpiCommunicator::MpiCommunicator(const RankInfo& rank_info, std::int64_t chunk_elements)
    : rank_info_(rank_info),
      chunk_elements_(std::clamp<std::int64_t>(chunk_elements, 1, 0x7fffffff)) {
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

MpiCommunicator::~MpiCommunicator() {
  int finalised = 0;
  MPI_Finalized(&finalised);
  // Freeing is collective: not while an exception unwinds this rank alone.
  if (finalised == 0 && std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
}

MPI_Op MpiCommunicator::mpi_op(const at::Tensor& tensor, ReduceOp op) const {
  if (tensor.scalar_type() == at::kBFloat16) return bfloat16_.get(op);
  return op == ReduceOp::sum ? MPI_SUM : op == ReduceOp::max ? MPI_MAX : MPI_MIN;
}

std::unique_ptr<Work> MpiCommunicator::all_reduce(at::Tensor values, ReduceOp op) {
  check_collective_tensor(values, "values");
  require_host(values);
  auto work = std::make_unique<MpiWork>(std::vector{values});
  in_chunks(values.scalar_type(), values.numel(), [&](std::int64_t offset, int count) {
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, element(values, offset), count, mpi_type(values),
                             mpi_op(values, op), comm_, work->add_request()),
              "MPI_Iallreduce");
  });
  return work;
}

// One reduction to each rank instead of MPI_Ireduce_scatter_block: its MPI_IN_PLACE does not mean
// "my part of the input", chunks of it are not contiguous, and Open MPI 4.1 builds it from a
// reduction of everything to rank 0.
std::unique_ptr<Work> MpiCommunicator::reduce_scatter(at::Tensor input, at::Tensor output) {
  const bool in_place = check_parts(input, output, rank_info_);
  require_host(input);
  auto work = std::make_unique<MpiWork>(std::vector{input, output});
  const auto op = mpi_op(input, ReduceOp::sum);
  for (int owner = 0; owner < rank_info_.world_size; ++owner) {
    in_chunks(output.scalar_type(), output.numel(), [&](std::int64_t offset, int count) {
      const bool mine = owner == rank_info_.rank;
      const void* send = element(input, owner * output.numel() + offset);
      if (mine && in_place) send = MPI_IN_PLACE;
      check_mpi(MPI_Ireduce(send, mine ? element(output, offset) : nullptr, count, mpi_type(input),
                            op, owner, comm_, work->add_request()),
                "MPI_Ireduce");
    });
  }
  return work;
}

// One broadcast from each rank, straight into place, in chunks.
std::unique_ptr<Work> MpiCommunicator::all_gather(at::Tensor input, at::Tensor output) {
  const bool in_place = check_parts(output, input, rank_info_);
  require_host(output);
  if (!in_place && input.numel() > 0) {
    std::memcpy(element(output, rank_info_.rank * input.numel()), input.data_ptr(),
                static_cast<std::size_t>(input.nbytes()));
  }
  auto work = std::make_unique<MpiWork>(std::vector{output});
  for (int owner = 0; owner < rank_info_.world_size; ++owner) {
    in_chunks(input.scalar_type(), input.numel(), [&](std::int64_t offset, int count) {
      check_mpi(MPI_Ibcast(element(output, owner * input.numel() + offset), count, mpi_type(output),
                           owner, comm_, work->add_request()),
                "MPI_Ibcast");
    });
  }
  return work;
}

// Messages between all pairs. Those of one pair arrive in the order in which they were sent, so one
// tag is enough.
std::unique_ptr<Work> MpiCommunicator::all_to_all(at::Tensor input, at::Tensor output) {
  const auto n = check_exchange(input, output, rank_info_);
  require_host(input);
  auto work = std::make_unique<MpiWork>(std::vector{input, output});
  for (int turn = 0; turn < rank_info_.world_size; ++turn) {
    const int to = (rank_info_.rank + turn) % rank_info_.world_size;
    const int from = (rank_info_.rank + rank_info_.world_size - turn) % rank_info_.world_size;
    in_chunks(input.scalar_type(), n, [&](std::int64_t offset, int count) {
      check_mpi(MPI_Irecv(element(output, from * n + offset), count, mpi_type(output), from, 0,
                          comm_, work->add_request()),
                "MPI_Irecv");
      check_mpi(MPI_Isend(element(input, to * n + offset), count, mpi_type(input), to, 0, comm_,
                          work->add_request()),
                "MPI_Isend");
    });
  }
  return work;
}

void MpiCommunicator::broadcast(at::Tensor values, int root) {
  check_collective_tensor(values, "values");
  require_host(values);
  check_root(root, rank_info_);
  in_chunks(values.scalar_type(), values.numel(), [&](std::int64_t offset, int count) {
    check_mpi(MPI_Bcast(element(values, offset), count, mpi_type(values), root, comm_),
              "MPI_Bcast");
  });
}

std::vector<Letter> MpiCommunicator::gather_letters(std::string_view bytes) const {
  Letter mine;
  mine.length = static_cast<std::int64_t>(bytes.size());
  bytes.copy(mine.begin.data(), mine.begin.size());
  std::vector<Letter> letters(static_cast<std::size_t>(rank_info_.world_size));
  check_mpi(
      MPI_Allgather(&mine, sizeof mine, MPI_BYTE, letters.data(), sizeof mine, MPI_BYTE, comm_),
      "MPI_Allgather");
  return letters;
}

// What is longer than a letter follows in rounds in which every rank gives at most its share of a
// chunk, so that all counts and offsets of a round fit an int.
std::vector<std::string> MpiCommunicator::gather_bytes(std::string_view bytes) {
  const auto letters = gather_letters(bytes);
  std::vector<std::string> texts;
  std::int64_t longest = 0;
  for (const auto& [length, begin] : letters) {
    texts.emplace_back(begin.data(), std::min(begin.size(), static_cast<std::size_t>(length)));
    longest = std::max(longest, length);
  }
  const auto share = std::max<std::int64_t>(1, chunk_elements_ / rank_info_.world_size);
  std::vector<int> counts(letters.size()), offsets(letters.size());
  std::string received;
  constexpr auto kInLetter = static_cast<std::int64_t>(sizeof(Letter::begin));
  for (std::int64_t done = kInLetter; done < longest; done += share) {
    int total = 0;
    for (std::size_t r = 0; r < letters.size(); ++r) {
      counts[r] = static_cast<int>(std::clamp<std::int64_t>(letters[r].length - done, 0, share));
      offsets[r] = std::exchange(total, total + counts[r]);
    }
    received.resize(static_cast<std::size_t>(total));
    const auto mine = static_cast<std::size_t>(rank_info_.rank);
    const char* from = counts[mine] > 0 ? bytes.data() + done : bytes.data();
    check_mpi(MPI_Allgatherv(from, counts[mine], MPI_BYTE, received.data(), counts.data(),
                             offsets.data(), MPI_BYTE, comm_),
              "MPI_Allgatherv");
    for (std::size_t r = 0; r < texts.size(); ++r) {
      texts[r].append(received, static_cast<std::size_t>(offsets[r]),
                      static_cast<std::size_t>(counts[r]));
    }
  }
  return texts;
}

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(const RankInfo& rank_info,
                                                    std::int64_t chunk_elements) {
  return std::make_unique<MpiCommunicator>(rank_info, chunk_elements);
}

}  // namespace bertha
