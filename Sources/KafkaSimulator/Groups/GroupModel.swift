// SPDX-License-Identifier: Apache-2.0

/// What the members of a simulated group know together, and therefore what must hold: nobody is given a partition that
/// another one uses and may use; what was acknowledged as committed is found again, and nothing above what anybody tried
/// to commit.
///
/// Who may use a partition: whoever was given it, until it gives it up, or until its session has run out, counted from
/// when it sent the last sign of life that was answered. The coordinator counts from later, so it cannot be earlier.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class GroupModel: @unchecked Sendable {
    private static let findingsMax = 20

    let partitionCount: Int
    private(set) var findings: [String] = []
    private(set) var acknowledged: [Int64]
    private var attempted: [Int64]
    /// Who uses a partition.
    private var owners: [Int?]
    /// Who was given a partition last, whether or not it has it still.
    private var lastOwners: [Int?]
    /// How often each partition has gone over to another member.
    private(set) var handovers: [Int]
    /// By member, in milliseconds of the simulation, until when its partitions are its own.
    private var leases: [Int: Int64] = [:]
    private(set) var commits = 0
    private(set) var assignments = 0
    /// Milliseconds of the simulation until when heartbeats of the classic protocol may be answered well without a look,
    /// as Kafka does while groups are loaded.
    var blindUntil: Int64 = 0
    /// How often the broker went down: what it only had in memory is gone.
    var crashes = 0

    /// Told what happens, where somebody wants to know.
    private let tell: ((String) -> Void)?

    init(partitionCount: Int, tell: ((String) -> Void)? = nil) {
        self.partitionCount = partitionCount
        self.tell = tell
        acknowledged = Array(repeating: 0, count: partitionCount)
        attempted = Array(repeating: 0, count: partitionCount)
        owners = Array(repeating: nil, count: partitionCount)
        lastOwners = owners
        handovers = Array(repeating: 0, count: partitionCount)
    }

    var isFine: Bool { findings.isEmpty }

    /// Partitions that nobody uses.
    var unowned: [Int] { owners.indices.filter { owners[$0] == nil } }

    func find(_ what: String) {
        note("FOUND \(what)")
        if findings.count < Self.findingsMax { findings.append(what) }
    }

    func note(_ what: @autoclosure () -> String) {
        if let tell { tell(what()) }
    }

    // MARK: Owners

    /// A sign of life was answered.
    ///
    /// - Parameter held: what the member uses.
    func lives(_ member: Int, until end: Int64, now: Int64, _ held: [Int]) {
        // An answer that was on its way for longer says nothing.
        guard end > now else { return }
        leases[member] = max(leases[member] ?? 0, end)
        for partition in held {
            guard let owner = owners[partition], owner != member else { continue }
            find("member \(member) lives on with partition \(partition), which member \(owner) was given")
        }
    }

    /// What the member's last life was allowed says nothing about this one.
    func begins(_ member: Int) { leases[member] = nil }

    func gives(_ partitions: [Int], to member: Int, now: Int64) {
        assignments += 1
        for partition in partitions {
            if let owner = owners[partition], owner != member, leases[owner] ?? 0 > now {
                find("partition \(partition) was given to member \(member), and member \(owner) still has it")
            }
            owners[partition] = member
            if lastOwners[partition] != member { handovers[partition] += 1 }
            lastOwners[partition] = member
        }
    }

    func takes(_ partitions: [Int], from member: Int) {
        for partition in partitions where owners[partition] == member { owners[partition] = nil }
    }

    // MARK: Offsets

    func attempts(_ offset: Int64, of partition: Int) { attempted[partition] = max(attempted[partition], offset) }

    func acknowledges(_ offset: Int64, of partition: Int) {
        commits += 1
        acknowledged[partition] = max(acknowledged[partition], offset)
    }

    /// - Parameter known: what had been acknowledged when the question was asked.
    func found(_ offset: Int64, of partition: Int, known: Int64) {
        let offset = max(offset, 0)
        if offset < known { find("partition \(partition): \(known) was committed, \(offset) is found") }
        if offset > attempted[partition] {
            find("partition \(partition): \(offset) is found, only \(attempted[partition]) was ever committed")
        }
    }
}
