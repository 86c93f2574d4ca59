import { expect, test } from 'vitest'
import { isOwnAddress, isPublicAddress, mayBeCalled } from './address-rules.ts'

test.each(['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '223.255.255.255'])(
  '%s is public',
  address => {
    expect(isPublicAddress(address)).toBe(true)
    expect(isOwnAddress(address)).toBe(false)
  },
)

test.each([
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::ffff:8.8.8.8',
  '::8.8.8.8',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  '2001:db8::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2002:7f00:1::',
  '100::1',
  '',
  'localhost',
  '127.1',
  '0x7f000001',
  '2130706433',
])('attack 29: %s is not', address => {
  expect(isPublicAddress(address)).toBe(false)
})

test('this machine is 127.0.0.0/8 and ::1, in no other spelling', () => {
  for (const address of ['127.0.0.1', '127.0.0.53', '::1']) expect(isOwnAddress(address)).toBe(true)
  for (const address of ['::ffff:127.0.0.1', '::ffff:7f00:1', '0.0.0.0', '::', '10.0.0.1', '']) {
    expect([address, isOwnAddress(address)]).toEqual([address, false])
  }
})

test.each(['https://app.example/jwks', 'https://93.184.215.14/', 'https://app.example:8443/x?y=1'])(
  'attack 28: %s could be called',
  url => {
    expect([mayBeCalled(url, false), mayBeCalled(url, true)]).toEqual([true, true])
  },
)

test.each(['http://127.0.0.1:3000/jwks', 'https://localhost/jwks', 'http://[::1]/'])(
  'attack 28: %s could be called by a server on loopback alone',
  url => {
    expect([mayBeCalled(url, false), mayBeCalled(url, true)]).toEqual([false, true])
  },
)

test.each([
  'http://app.example/jwks',
  'https://169.254.169.254/',
  'https://[::ffff:169.254.169.254]/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://user@app.example/',
  'https://app.example/#x',
  'file:///etc/passwd',
  'javascript:1',
  '/jwks',
  '',
])('attack 28: %s could not', url => {
  expect([mayBeCalled(url, false), mayBeCalled(url, true)]).toEqual([false, false])
})
