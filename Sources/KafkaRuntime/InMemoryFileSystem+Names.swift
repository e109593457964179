// SPDX-License-Identifier: Apache-2.0

extension InMemoryFileSystem.NameChange.Edit {
    typealias Names = ReferenceWritableKeyPath<InMemoryFileSystemNode, [String: InMemoryFileSystemNode]>

    func apply(to names: Names) { directory[keyPath: names][name] = node }
}

extension InMemoryFileSystemNode {
    /// Pages held by the files in and under this node.
    var subtreePages: Int { entries.values.reduce(allocatedPages) { $0 + $1.subtreePages } }
}

extension InMemoryFileSystem.State {
    static func components(_ path: String) -> [String] {
        var result: [String] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = result.popLast() } else { result.append(String(part)) }
        }
        return result
    }

    func find(_ path: String) -> InMemoryFileSystemNode? {
        var node = root
        for name in Self.components(path) {
            guard node.isDirectory, let next = node.entries[name] else { return nil }
            node = next
        }
        return node
    }

    func directory(
        _ path: String, _ operation: InMemoryFileSystem.Operation
    ) throws(FileError) -> InMemoryFileSystemNode {
        guard let node = find(path) else {
            throw FileError(.notFound, code: 2, operation: "\(operation)", path: path)
        }
        guard node.isDirectory else {
            throw FileError(.notADirectory, code: 20, operation: "\(operation)", path: path)
        }
        return node
    }

    /// The directory that `path` stands in, and its name there.
    func place(
        _ path: String, _ operation: InMemoryFileSystem.Operation
    ) throws(FileError) -> (directory: InMemoryFileSystemNode, name: String) {
        var components = Self.components(path)
        guard let name = components.popLast() else {
            throw FileError(.permissionDenied, code: 16, operation: "\(operation)", path: path)
        }
        return (try directory(components.joined(separator: "/"), operation), name)
    }

    /// Makes the names in `directory` what a crash leaves. A rename out of it or into it becomes durable as a whole, and
    /// with it what happened to names in the other directory.
    mutating func makeNamesDurable(_ directory: InMemoryFileSystemNode) {
        var directories = [directory]
        for change in journal where change.edits.contains(where: { $0.directory === directory }) {
            for edit in change.edits where !directories.contains(where: { $0 === edit.directory }) {
                directories.append(edit.directory)
            }
        }
        for synced in directories { synced.durableEntries = synced.entries }
        journal.removeAll { change in
            change.edits.allSatisfy { edit in directories.contains { $0 === edit.directory } }
        }
    }
}
