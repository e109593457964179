// SPDX-License-Identifier: Apache-2.0

/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    ProtocolFuzz.run(UnsafeRawBufferPointer(start: data, count: size))
    return 0
}
