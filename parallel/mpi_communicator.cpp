// Collectives as messages between all pairs of ranks, in chunks that an int can count. Reductions
// are our own and not MPI's, whose order of additions depends on the call, the root and the size:
// here every element is added up in the order of the ranks, so that an all-reduce and a
// reduce-scatter, cut in any way, give the same bits.
#include "parallel/mpi_communicator.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <utility>

#include <mpi.h>

#include "parallel/base/error.h"
#include "parallel/mpi_environment.h"
#include "parallel/mpi_transfer.h"
#include "parallel/native_check.h"
#include "parallel/ordered_reduce.h"
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

// Elements [borders[r], borders[r + 1]) of a tensor are rank r's.
using Borders = std::vector<std::int64_t>;

Borders borders_of(std::span<const std::int64_t> parts) {
  Borders borders{0};
  for (const auto size : parts) borders.push_back(borders.back() + size);
  return borders;
}

Borders even_borders(std::int64_t elements, int world_size) {
  Borders borders;
  for (int rank = 0; rank <= world_size; ++rank) {
    borders.push_back(elements / world_size * rank + elements % world_size * rank / world_size);
  }
  return borders;
}

std::int64_t largest_part(const Borders& borders) {
  std::int64_t largest = 0;
  for (std::size_t rank = 1; rank < borders.size(); ++rank) {
    largest = std::max(largest, borders[rank] - borders[rank - 1]);
  }
  return largest;
}

at::Tensor part_of(const at::Tensor& flat, const Borders& borders, int rank) {
  const auto r = static_cast<std::size_t>(rank);
  return flat.slice(0, borders[r], borders[r + 1]);
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(const RankInfo& rank_info, std::int64_t chunk_elements);
  ~MpiCommunicator() override;
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  const RankInfo& rank_info() const override { return rank_info_; }
  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override;
  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override;
  std::unique_ptr<Work> all_gather(at::Tensor values, std::span<const std::int64_t> parts) override;
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override;
  void broadcast(at::Tensor values, int root) override;
  std::vector<std::string> gather_bytes(std::string_view bytes) override;
  void abort(int exit_code) noexcept override { abort_job(exit_code); }

 private:
  // Calls exchange(to, from) for all others: in every turn a rank sends to one and hears from one.
  template <class Exchange>
  void with_others(const Exchange& exchange) const {
    const int world = rank_info_.world_size;
    for (int turn = 1; turn < world; ++turn) {
      exchange((rank_info_.rank + turn) % world, (rank_info_.rank + world - turn) % world);
    }
  }
  int next_tag();
  void send(const at::Tensor& part, int to, int tag, MpiTransfer& transfer) const;
  void receive(const at::Tensor& part, int from, int tag, MpiTransfer& transfer) const;
  struct Reduction {
    at::Tensor values;
    Borders borders;
    ReduceOp op = ReduceOp::sum;
    int tag = 0;
    std::function<void(MpiTransfer&)> then;  // when all is added up; may begin messages
  };
  void begin_round(const Reduction& reduction, std::int64_t offset, MpiTransfer& transfer) const;
  void begin_gathering(const at::Tensor& values, const Borders& borders, int tag,
                       MpiTransfer& transfer) const;
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
  int last_tag_ = 0;
  std::shared_ptr<MpiTransfers> transfers_ = std::make_shared<MpiTransfers>();
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

// Of a collective's messages. All ranks make the same calls, and so give them the same tags;
// 32767 is the largest that every MPI has, and far fewer transfers are under way at once.
int MpiCommunicator::next_tag() {
  last_tag_ = last_tag_ % 32767 + 1;
  return last_tag_;
}

// Messages of one pair and tag arrive in the order in which they were sent.
void MpiCommunicator::send(const at::Tensor& part, int to, int tag, MpiTransfer& transfer) const {
  in_chunks(part.scalar_type(), part.numel(), [&](std::int64_t offset, int count) {
    check_mpi(MPI_Isend(element(part, offset), count, mpi_type(part), to, tag, comm_,
                        &transfer.requests.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Isend");
  });
}

void MpiCommunicator::receive(const at::Tensor& part, int from, int tag,
                              MpiTransfer& transfer) const {
  in_chunks(part.scalar_type(), part.numel(), [&](std::int64_t offset, int count) {
    check_mpi(MPI_Irecv(element(part, offset), count, mpi_type(part), from, tag, comm_,
                        &transfer.requests.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Irecv");
  });
}

// Every rank sends all others their parts of `values`, and adds up what came for its own: in
// rounds, so that what comes at once is bounded however large a part is and however many ranks
// there are.
void MpiCommunicator::begin_round(const Reduction& reduction, std::int64_t offset,
                                  MpiTransfer& transfer) const {
  const auto& [values, borders, op, tag, then] = reduction;
  const auto most = std::max<std::int64_t>(1, kReceivedAtOnceBytes /
                                                  static_cast<std::int64_t>(values.element_size()) /
                                                  std::max(1, rank_info_.world_size - 1));
  const auto end = offset + std::min(most, chunk_elements_);
  const auto piece_of = [&](int rank) {
    const auto part = part_of(values, borders, rank);
    return part.slice(0, std::min(offset, part.numel()), std::min(end, part.numel()));
  };
  const auto own = piece_of(rank_info_.rank);
  std::vector<at::Tensor> contributions(static_cast<std::size_t>(rank_info_.world_size));
  contributions[static_cast<std::size_t>(rank_info_.rank)] = own;
  with_others([&](int to, int from) {
    auto& contribution = contributions[static_cast<std::size_t>(from)];
    contribution = at::empty_like(own);
    receive(contribution, from, tag, transfer);
    send(piece_of(to), to, tag, transfer);
  });
  transfer.next = [this, reduction, contributions = std::move(contributions), own,
                   end](MpiTransfer& all) {
    reduce_in_order(contributions, reduction.op, own);
    if (end < largest_part(reduction.borders)) {
      begin_round(reduction, end, all);
    } else if (reduction.then) {
      reduction.then(all);
    }
  };
}

// Every rank's part of `values` to all others.
void MpiCommunicator::begin_gathering(const at::Tensor& values, const Borders& borders, int tag,
                                      MpiTransfer& transfer) const {
  with_others([&](int to, int from) {
    receive(part_of(values, borders, from), from, tag, transfer);
    send(part_of(values, borders, rank_info_.rank), to, tag, transfer);
  });
}

// A reduce-scatter and an all-gather: 2 (w - 1) / w of the values leave each of w ranks.
std::unique_ptr<Work> MpiCommunicator::all_reduce(at::Tensor values, ReduceOp op) {
  check_collective_tensor(values, "values");
  require_host(values);
  const auto tag = next_tag();
  if (rank_info_.world_size == 1) return transfers_->take({});
  const auto flat = values.view({-1});
  const auto borders = even_borders(flat.numel(), rank_info_.world_size);
  MpiTransfer transfer{{values}, {}, {}};
  const auto gather = [this, flat, borders, tag](MpiTransfer& all) {
    begin_gathering(flat, borders, tag, all);
  };
  begin_round({flat, borders, op, tag, gather}, 0, transfer);
  return transfers_->take(std::move(transfer));
}

std::unique_ptr<Work> MpiCommunicator::reduce_scatter(at::Tensor values,
                                                      std::span<const std::int64_t> parts) {
  check_cut(values, parts, rank_info_);
  require_host(values);
  MpiTransfer transfer{{values}, {}, {}};
  begin_round({values.view({-1}), borders_of(parts), ReduceOp::sum, next_tag(), {}}, 0, transfer);
  return transfers_->take(std::move(transfer));
}

std::unique_ptr<Work> MpiCommunicator::all_gather(at::Tensor values,
                                                  std::span<const std::int64_t> parts) {
  check_cut(values, parts, rank_info_);
  require_host(values);
  MpiTransfer transfer{{values}, {}, {}};
  begin_gathering(values.view({-1}), borders_of(parts), next_tag(), transfer);
  return transfers_->take(std::move(transfer));
}

std::unique_ptr<Work> MpiCommunicator::all_to_all(at::Tensor input, at::Tensor output) {
  const auto n = check_exchange(input, output, rank_info_);
  require_host(input);
  const auto part = [n](const at::Tensor& whole, int rank) {
    return whole.view({-1}).slice(0, rank * n, (rank + 1) * n);
  };
  const auto tag = next_tag();
  MpiTransfer transfer{{input, output}, {}, {}};
  with_others([&](int to, int from) {
    receive(part(output, from), from, tag, transfer);
    send(part(input, to), to, tag, transfer);
  });
  part(output, rank_info_.rank).copy_(part(input, rank_info_.rank));
  return transfers_->take(std::move(transfer));
}

void MpiCommunicator::broadcast(at::Tensor values, int root) {
  check_collective_tensor(values, "values");
  require_host(values);
  check_root(root, rank_info_);
  transfers_->settle();
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
  transfers_->settle();
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
