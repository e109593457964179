// SPDX-License-Identifier: Apache-2.0

/// What the members of a simulated group know together, and therefore what must hold: in one generation a partition has one
/// owner; what was acknowledged as committed is found again, and nothing above what anybody tried to commit.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class GroupModel: @unchecked Sendable {
    private static let findingsMax = 20

    let partitionCount: Int
    private(set) var findings: [String] = []
    private(set) var acknowledged: [Int64]
    private var attempted: [Int64]
    /// Who owns a partition in a generation.
    private var owners: [Int32: [Int: Int]] = [:]
    private(set) var commits = 0
    private(set) var assignments = 0

    init(partitionCount: Int) {
        self.partitionCount = partitionCount
        acknowledged = Array(repeating: 0, count: partitionCount)
        attempted = Array(repeating: 0, count: partitionCount)
    }

    var isFine: Bool { findings.isEmpty }

    func find(_ what: String) {
        if findings.count < Self.findingsMax { findings.append(what) }
    }

    func assigned(_ partitions: [Int], to member: Int, generation: Int32) {
        assignments += 1
        for partition in partitions {
            let owner = owners[generation, default: [:]].updateValue(member, forKey: partition) ?? member
            if owner != member {
                find("partition \(partition) belongs to members \(owner) and \(member) in generation \(generation)")
            }
        }
    }

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
