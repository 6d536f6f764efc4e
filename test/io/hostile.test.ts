import { gzipSync, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { printable, quoted, UserError } from '../../src/errors.js'
import { decodeTensors, decodeVolume } from '../../src/io/formats.js'
import { gunzip } from '../../src/io/gzip.js'
import { readNpy, writeNpy } from '../../src/io/npy.js'
import { readNpz } from '../../src/io/npz.js'
import { readSafetensors } from '../../src/io/safetensors.js'
import { readTorchCheckpoint } from '../../src/io/torch-checkpoint.js'
import { makeNifti } from './make-nifti.js'
import {
  call,
  dict,
  int,
  legacyFile,
  list,
  name,
  orderedDict,
  pickle,
  tensor,
  text,
  tuple,
} from './make-torch.js'
import { makeVolume, userError } from './support.js'

const nifti = makeNifti({ dims: [3, 4, 4, 4], values: Array.from({ length: 64 }, (_, i) => i) })
const u8 = (...parts: (number | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))

/** Runs `body`; says how long it computed (not waited, if others compute too) and by how much the process grew. */
function measured(body: () => void): { seconds: number; megabytes: number } {
  const [start, before] = [process.cpuUsage(), process.memoryUsage().rss]
  body()
  const { user, system } = process.cpuUsage(start)
  return {
    seconds: (user + system) / 1e6,
    megabytes: (process.memoryUsage().rss - before) / 1e6,
  }
}

describe('gzip', () => {
  it('stops unpacking where the header says that nothing more can be', () => {
    // 512 MB of zeros behind an image of 64 voxels.
    const member = gzipSync(new Uint8Array(2 ** 24), { level: 9 })
    const bomb = u8(gzipSync(nifti), ...Array.from({ length: 32 }, () => member))
    const { seconds, megabytes } = measured(() => {
      expect(userError(() => decodeVolume(bomb, 'bomb.nii.gz'))).toMatch(
        /^bomb\.nii\.gz: its gzip data unpack to more than \d+ bytes/,
      )
    })
    expect(seconds).toBeLessThan(2)
    expect(megabytes).toBeLessThan(200)
  })

  it('reads what gzip -t accepts: several members, and whatever follows the last', () => {
    const [a, b] = [nifti.subarray(0, 400), nifti.subarray(400)]
    const members = u8(gzipSync(a), gzipSync(b))
    const want = decodeVolume(nifti, 'a.nii').data
    for (const rest of [[], [0], [0, 0, 0], new Uint8Array(1000), Buffer.from('trailing'), [0x1f, 0x8b]]) {
      const file = u8(members, Uint8Array.from(rest))
      expect(decodeVolume(file, 'a.nii.gz').data).toEqual(want)
      expect(gunzip(file, 'a.gz')).toEqual(nifti)
    }
  })

  it('still sees damage before what follows', () => {
    const damaged = gzipSync(nifti)
    damaged[damaged.length - 6]! ^= 1
    expect(userError(() => gunzip(u8(damaged, new Uint8Array(100)), 'a.gz'))).toContain('checksum mismatch')
  })

  it('refuses an image that no memory holds, however small the file', () => {
    const huge = makeNifti({ dims: [3, 30000, 30000, 30000], values: [] })
    expect(userError(() => decodeVolume(gzipSync(huge), 'a.nii.gz'))).toContain('at most')
  })
})

describe('zip', () => {
  const volume = makeVolume(1, [8, 8, 8])
  const entry = writeNpy({ shape: [8, 8, 8], data: volume.data })

  /** Changes the 32 bits at an offset of the first directory entry. */
  function withField(bytes: Uint8Array, offset: number, value: number): Uint8Array {
    const copy = Uint8Array.from(bytes)
    const at = Buffer.from(copy).indexOf('PK\x01\x02', undefined, 'latin1')
    new DataView(copy.buffer).setUint32(at + offset, value, true)
    return copy
  }

  it('checks the checksum of what it reads', () => {
    for (const level of [0, 6] as const) {
      const bytes = withField(zipSync({ 'vol_data.npy': entry }, { level }), 16, 0x12345678)
      expect(userError(() => readNpz(bytes, 'a.npz'))).toContain('the checksum of "vol_data.npy" is wrong')
    }
  })

  it('refuses entries on top of each other', () => {
    const bytes = zipSync({ 'vol_data.npy': entry, 'b.npy': entry }, { level: 0 })
    const second = Buffer.from(bytes).lastIndexOf('PK\x01\x02', undefined, 'latin1')
    new DataView(bytes.buffer).setUint32(second + 42, 0, true)
    expect(userError(() => readNpz(bytes, 'a.npz'))).toContain('its entries overlap')
  })

  it('refuses an entry that holds more than it claims, without unpacking it all', () => {
    const bomb = new Uint8Array(2 ** 25)
    bomb.set(entry)
    const bytes = withField(zipSync({ 'vol_data.npy': bomb }, { level: 9 }), 24, entry.length)
    const { seconds, megabytes } = measured(() => {
      expect(userError(() => readNpz(bytes, 'a.npz'))).toContain(`holds more than ${entry.length} bytes`)
    })
    expect(seconds).toBeLessThan(1)
    expect(megabytes).toBeLessThan(200)
  })

  it('refuses an array that is not as large as its entry before it is unpacked', () => {
    const bomb = new Uint8Array(2 ** 25)
    bomb.set(entry)
    const bytes = zipSync({ 'vol_data.npy': bomb }, { level: 1 })
    const { seconds, megabytes } = measured(() => {
      expect(userError(() => readNpz(bytes, 'a.npz'))).toContain('2048 bytes, but 33554304 follow')
    })
    expect(seconds).toBeLessThan(0.5)
    expect(megabytes).toBeLessThan(100)
  })

  it('takes a name such as __proto__ for a name', () => {
    const bytes = Buffer.from(zipSync({ 'vol_data_.npy': entry }))
    const renamed = Buffer.from(bytes.toString('latin1').replaceAll('vol_data_', '__proto__'), 'latin1')
    expect(readNpz(renamed, 'a.npz').data).toEqual(volume.data)
  })
})

describe('pickles', () => {
  const weights = { 'conv.weight': tensor({ key: 'a', shape: [4], length: 4 }) }
  const storages = [{ key: 'a', data: Float32Array.of(1, 2, 3, 4) }]
  const file = (extra: Uint8Array): Uint8Array =>
    legacyFile({ root: dict({ u1: orderedDict(weights), extra }), storages })
  /** A list that holds a list twice that holds a list twice, and so on. */
  const doubled = Array.from({ length: 40 }).reduce<Uint8Array>(
    (inner) => u8(0x5d, 0x28, inner, 0x71, 0, 0x68, 0, 0x65),
    text('x'),
  )

  it.each(['system', 'popen'])('refuses to read a file that names os.%s, and says so', (attribute) => {
    const danger = call(name('os', attribute), text('touch executed'))
    expect(userError(() => readTorchCheckpoint(file(danger), 'w.pth'))).toMatch(
      new RegExp(`^w\\.pth: names "os\\.${attribute}", .* none of it was run`),
    )
  })

  it.each([
    ['builtins', 'eval'],
    ['torch', 'hub.load'],
    ['Map', 'entries'],
    ['__proto__', 'constructor'],
    ['posix\x1b[2J', 'system'],
  ])('refuses %s.%s', (module, attribute) => {
    const message = userError(() => readTorchCheckpoint(file(name(module, attribute)), 'w.pth'))
    expect(message).toContain('w.pth: names "')
    expect(message).not.toContain('\x1b')
  })

  it('lets pass what checkpoints hold beside their tensors', () => {
    const scalar = call(name('numpy.core.multiarray', 'scalar'), call(name('numpy', 'dtype'), text('f8')))
    expect(readTorchCheckpoint(file(scalar)).size).toBe(1)
  })

  it('answers at once when lists double themselves', () => {
    const { seconds } = measured(() => {
      expect(readTorchCheckpoint(file(doubled)).size).toBe(1)
      const asKeys = legacyFile({ root: dict({ u1: orderedDict(weights) }), storages: [], keys: doubled })
      expect(userError(() => readTorchCheckpoint(asKeys))).toContain('unknown key')
    })
    expect(seconds).toBeLessThan(0.5)
  })

  it('refuses long integers and endless pickles, at once', () => {
    /** A pickle that goes on with these bytes; made by hand, for the helpers are slow with millions. */
    const endless = (rest: Uint8Array): Uint8Array => {
      const start = file(u8(0x5d)).subarray(0, 60)
      const whole = new Uint8Array(start.length + rest.length)
      whole.set(start)
      whole.set(rest, start.length)
      return whole
    }
    const files: [Uint8Array, string][] = [
      [file(u8(0x8a, 255, new Uint8Array(255))), 'an integer of 255 bytes'],
      [file(u8(0x8b, 0x80, 0x96, 0x98, 0)), 'instruction 139'],
      [endless(new Uint8Array(5e6).fill(0x5d)), 'more than 1000000 instructions'],
      [endless(new Uint8Array(5e6).fill(0x28)), 'more than 1000000 instructions'],
    ]
    for (const [bytes, message] of files) {
      const { seconds } = measured(() => {
        expect(userError(() => readTorchCheckpoint(bytes))).toContain(message)
      })
      expect(seconds).toBeLessThan(2)
    }
  })

  it('refuses tensors that come to more than their storages hold', () => {
    const length = 100_000
    const views = Array.from({ length: 2000 }, (_, i) => [
      `block${i}.conv1.weight`,
      tensor({ key: 'a', shape: [length], stride: [0], length }),
    ])
    const root = dict({ u1: dict(Object.fromEntries(views) as Record<string, Uint8Array>) })
    const bytes = legacyFile({ root, storages: [{ key: 'a', data: new Float32Array(length) }] })
    const { seconds, megabytes } = measured(() => {
      expect(userError(() => readTorchCheckpoint(bytes, 'w.pth'))).toContain('reaches beyond its storage')
    })
    expect(seconds).toBeLessThan(1)
    expect(megabytes).toBeLessThan(100)
  })

  it('leaves the bytes that it is given as they are', () => {
    const bytes = u8(pickle(tuple(text('a'), u8(0x43, 2, 1, 2), u8(0x7d, 0x62))))
    const zip = zipSync({ 'x/data.pkl': bytes, 'x/data/0': new Uint8Array(16) }, { level: 0 })
    const before = zip.slice()
    userError(() => readTorchCheckpoint(zip))
    expect(zip).toEqual(before)
  })

  it('keeps prototypes clean', () => {
    const evil = dict({ __proto__x: int(1), constructor: dict({ prototype: list(int(1)) }) })
    const renamed = Buffer.from(
      Buffer.from(file(evil)).toString('latin1').replace('__proto__x', '__proto__\0'),
      'latin1',
    )
    readTorchCheckpoint(renamed)
    readSafetensors(safetensors('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'))
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('dtype')
    expect(({} as { dtype?: unknown }).dtype).toBeUndefined()
  })
})

function safetensors(json: string): Uint8Array {
  return u8(new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer), Buffer.from(json))
}

describe('messages', () => {
  const ones = `(${Array.from({ length: 1000 }, () => '1').join(', ')})`

  it.each<[string, () => unknown]>([
    ['a shape of a thousand axes', () => readNpy(withShape(ones), 'a.npy')],
    [
      'a tensor of a thousand axes',
      () =>
        readSafetensors(
          safetensors(`{"w":{"dtype":"F32","shape":[${ones.slice(1, -1)}],"data_offsets":[0,9]}}`),
        ),
    ],
    ['a tensor with a long name', () => readSafetensors(safetensors(`{"${'\\u001b[2J'.repeat(1000)}":{}}`))],
    [
      'a type with a long name',
      () =>
        readSafetensors(safetensors(`{"w":{"dtype":"${'x'.repeat(1e4)}","shape":[],"data_offsets":[0,0]}}`)),
    ],
    [
      'a long name in an archive',
      () => decodeTensors(zipSync({ ['\x1b'.repeat(1e4)]: new Uint8Array(1) }), 'a.pt'),
    ],
  ])('about %s are short and printable', (_, action) => {
    const message = userError(action)
    expect(message.length).toBeLessThanOrEqual(300)
    // eslint-disable-next-line no-control-regex
    expect(message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
  })

  function withShape(shape: string): Uint8Array {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }\n`
    return u8(0x93, Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8, Buffer.from(header))
  }

  it('escape what a terminal would obey, and what would reorder or hide text', () => {
    expect(new UserError('a\x1b[31mb\u202ec\u200bd\x9be\r\nf').message).toBe(
      'a\\x1b[31mb\\u202ec\\u200bd\\x9be f',
    )
    expect(printable('ä 脳 \t\n😀')).toBe('ä 脳 \t\n😀')
    expect(quoted('"\n\x07')).toBe('"\\"\\n\\u0007"')
    expect(quoted('x'.repeat(1000)).length).toBeLessThanOrEqual(50)
    expect(new UserError('x'.repeat(1e6)).message.length).toBe(1000)
  })
})
