import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { boundOf } from '../../bench/static/bounds.js'
import { parseMachineCode, shareOf } from '../../bench/static/machine-code.js'

// A loop around a loop, as RADV prints them: two multiply-adds, an address and a load in the inner one.
const printed = `Compute Shader
disasm:
BB0:
	s_mov_b32 s0, s3                    ; be800003
	v_mov_b32_e32 v1, 0                 ; 7e020280
BB1:
	v_mul_f32_e32 v2, v1, v1            ; 0a040301
BB2:
	v_add_u32_e32 v3, vcc, 4, v3        ; 32060684
	buffer_load_dword v4, v3, s[0:3], 0 offen ; e0501000 80000403
	v_mac_f32_e32 v1, s4, v4            ; 2c020804
	v_pk_fma_f16 v5, v4, v4, v5         ; d3901105 1c160904
	s_cbranch_scc0 BB2                  ; bf84fffb
	s_cbranch_scc0 BB1                  ; bf84fff9
	s_endpgm                            ; bf810000

Compute Shader:
*** SHADER STATS ***
SGPRs: 32
VGPRs: 12
Spilled SGPRs: 1
Spilled VGPRs: 2
Code size: 488
Subgroups per SIMD: 8
Instructions: 98
Latency: 931
Inverse Throughput: 207
`

test('reads the statistics and the innermost loop of a kernel', () => {
  const code = parseMachineCode(printed)
  expect(code).toMatchObject({ vgprs: 12, sgprs: 32, spills: 3, waves: 8, instructions: 98, bytes: 488 })
  expect(code).toMatchObject({ latency: 931, inverseThroughput: 207, vector: 5 })
  expect(code.loop).toEqual({ multiplyAdds: 2, otherVector: 1, scalar: 1, loads: 1 })
  expect(shareOf(code.loop!)).toBeCloseTo(2 / 3)
})

test('says which figure is missing', () => {
  expect(() => parseMachineCode(printed.replace('VGPRs: 12', ''))).toThrow('no "VGPRs"')
})

test('bounds a kernel by its multiply-adds and the instructions beside them', () => {
  const code = parseMachineCode(printed)
  const gpu = { name: 'test', flops: 2e9, bandwidth: 1e9 }
  const dispatch = { op: 'conv3d', layer: '', kernel: 0, bytes: 5e8, invocations: 1e6 }
  const convolution = { ...dispatch, products: { useful: 1e9, computed: 2e9 } }
  expect(boundOf(convolution, code, gpu).arithmetic).toBeCloseTo(3)
  expect(boundOf(convolution, code, gpu).memory).toBeCloseTo(0.5)
  expect(boundOf({ ...dispatch, products: undefined }, code, gpu).arithmetic).toBeCloseTo(5e-3)
})

test('refuses a malformed size, in one line', async () => {
  const program = fileURLToPath(new URL('../../bench/static.ts', import.meta.url))
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', program, '80'])
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: 'error: bench:static takes a size such as 80x96x112, not "80"\n',
  })
})
