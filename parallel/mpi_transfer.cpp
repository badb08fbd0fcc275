// Tests requests, and begins what comes after them.
#include "parallel/mpi_transfer.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "parallel/base/log.h"
#include "parallel/native_check.h"

namespace bertha {
namespace {

void advance_one(MpiTransfer& transfer) {
  while (!transfer.done()) {
    int arrived = 1;
    if (!transfer.requests.empty()) {
      check_mpi(MPI_Testall(static_cast<int>(transfer.requests.size()), transfer.requests.data(),
                            &arrived, MPI_STATUSES_IGNORE),
                "MPI_Testall");
    }
    if (arrived == 0) return;
    transfer.requests.clear();
    if (const auto next = std::exchange(transfer.next, {})) next(transfer);
  }
  transfer.tensors.clear();
}

class MpiWork final : public Work {
 public:
  MpiWork(std::shared_ptr<MpiTransfer> transfer, std::shared_ptr<MpiTransfers> transfers)
      : transfer_(std::move(transfer)), transfers_(std::move(transfers)) {}

  ~MpiWork() override {
    if (transfer_->done()) return;
    if (std::uncaught_exceptions() > 0) {
      // MPI may still write: the memory stays until the process ends.
      transfers_->forget(transfer_);
      static_cast<void>(new std::shared_ptr<MpiTransfer>(std::move(transfer_)));
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

  // Where ranks share cores, Open MPI yields inside every look.
  void wait() override {
    while (!transfer_->done()) transfers_->advance();
  }
  bool progress() override {
    if (!transfer_->done()) transfers_->advance();
    return transfer_->done();
  }

 private:
  std::shared_ptr<MpiTransfer> transfer_;
  std::shared_ptr<MpiTransfers> transfers_;
};

}  // namespace

std::unique_ptr<Work> MpiTransfers::take(MpiTransfer transfer) {
  auto shared = std::make_shared<MpiTransfer>(std::move(transfer));
  auto work = std::make_unique<MpiWork>(shared, shared_from_this());
  under_way_.push_back(std::move(shared));
  advance();
  return work;
}

void MpiTransfers::advance() {
  for (const auto& transfer : under_way_) advance_one(*transfer);
  std::erase_if(under_way_, [](const auto& transfer) { return transfer->done(); });
}

void MpiTransfers::settle() {
  const auto has_more = [](const auto& transfer) { return static_cast<bool>(transfer->next); };
  while (std::ranges::any_of(under_way_, has_more)) advance();
}

void MpiTransfers::forget(const std::shared_ptr<MpiTransfer>& transfer) {
  std::erase(under_way_, transfer);
}

}  // namespace bertha
