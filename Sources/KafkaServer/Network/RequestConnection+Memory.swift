// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime

/// What a connection claims for requests of which only a part has arrived (`RequestMemory`).
extension RequestConnection {
    /// Claims the memory for a request of which only a part has arrived. False: there is none; reading stops until
    /// there is.
    func claimMemory(_ bytes: Int) -> Bool {
        guard claimed != bytes else { return true }
        giveBackMemory()
        guard listener.memory.claim(bytes, for: self) else {
            isWaitingForMemory = true
            holdBack()
            return false
        }
        claimed = bytes
        return true
    }

    /// The memory that was waited for is there, and claimed for this connection.
    func memoryGranted(_ bytes: Int) {
        queue.assertCurrent()
        isWaitingForMemory = false
        claimed = bytes
        if isClosed { return giveBackMemory() }
        releaseIfPossible()
    }

    func giveBackMemory() {
        if isWaitingForMemory, listener.memory.withdraw(self) { isWaitingForMemory = false }
        guard claimed > 0 else { return }
        listener.memory.exchange(claimed, for: 0)
        claimed = 0
    }
}
