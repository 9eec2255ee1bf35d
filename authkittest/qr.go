// QR codes (ISO/IEC 18004): encodes the data. Only byte mode, error correction level L and versions 1 to 10 are supported,
// which is enough for otpauth URIs.

package authkittest

import "errors"

// qrVersion is the layout of one version, that is, one size.
type qrVersion struct {
	codewords  int   // total number
	blocks     int   // number of blocks that the codewords are split into
	correction int   // error correction codewords per block
	alignment  []int // coordinates of the alignment patterns
}

// qrVersions is from tables 9 and E.1 of the standard.
var qrVersions = []qrVersion{
	{26, 1, 7, nil},
	{44, 1, 10, []int{6, 18}},
	{70, 1, 15, []int{6, 22}},
	{100, 1, 20, []int{6, 26}},
	{134, 1, 26, []int{6, 30}},
	{172, 2, 18, []int{6, 34}},
	{196, 2, 20, []int{6, 22, 38}},
	{242, 2, 24, []int{6, 24, 42}},
	{292, 2, 30, []int{6, 26, 46}},
	{346, 4, 18, []int{6, 28, 50}},
}

// qrCode returns a PNG with text as a QR code. It returns an error if text is longer than 271 octets.
func qrCode(text string) ([]byte, error) {
	for i, v := range qrVersions {
		if data := v.encode(i+1, text); data != nil {
			q := newQRMatrix(i+1, v.alignment)
			q.place(v.interleave(data))
			return q.png()
		}
	}
	return nil, errors.New("too long for a QR code")
}

// encode returns the data codewords (clause 7.4), or nil if text does not fit.
func (v qrVersion) encode(number int, text string) []byte {
	capacity := v.codewords - v.blocks*v.correction
	var bits qrBits
	bits.add(0b0100, 4) // byte mode
	if number < 10 {
		bits.add(len(text), 8)
	} else {
		bits.add(len(text), 16)
	}
	for _, b := range []byte(text) {
		bits.add(int(b), 8)
	}
	if len(bits) > capacity*8 {
		return nil
	}
	bits.add(0, min(4, capacity*8-len(bits))) // terminator
	bits.add(0, (8-len(bits)%8)%8)
	for pad := 0xec; len(bits) < capacity*8; pad ^= 0xec ^ 0x11 {
		bits.add(pad, 8)
	}
	data := make([]byte, capacity)
	for i, bit := range bits {
		if bit {
			data[i/8] |= 0x80 >> (i % 8)
		}
	}
	return data
}

type qrBits []bool

// add appends the lowest n bits of value, most significant bit first.
func (b *qrBits) add(value, n int) {
	for i := n - 1; i >= 0; i-- {
		*b = append(*b, value>>i&1 == 1)
	}
}

// interleave splits data into blocks, the longer ones last. It returns one codeword of each block in turn, first data
// codewords, then error correction codewords (clause 7.6).
func (v qrVersion) interleave(data []byte) []byte {
	short, longer := len(data)/v.blocks, len(data)%v.blocks
	var blocks, corrections [][]byte
	for i := range v.blocks {
		size := short
		if i >= v.blocks-longer {
			size++
		}
		blocks = append(blocks, data[:size])
		corrections = append(corrections, reedSolomon(data[:size], v.correction))
		data = data[size:]
	}
	var out []byte
	for _, set := range [][][]byte{blocks, corrections} {
		for i := range len(set[len(set)-1]) {
			for _, block := range set {
				if i < len(block) {
					out = append(out, block[i])
				}
			}
		}
	}
	return out
}

// reedSolomon returns the remainder of data divided by the generator polynomial of degree n in GF(256) (clause 7.5).
func reedSolomon(data []byte, n int) []byte {
	generator := make([]byte, n) // without the leading 1
	generator[n-1] = 1
	root := byte(1)
	for range n {
		for i := range n {
			generator[i] = qrMultiply(generator[i], root)
			if i+1 < n {
				generator[i] ^= generator[i+1]
			}
		}
		root = qrMultiply(root, 2)
	}
	remainder := make([]byte, n)
	for _, b := range data {
		factor := b ^ remainder[0]
		copy(remainder, remainder[1:])
		remainder[n-1] = 0
		for i := range n {
			remainder[i] ^= qrMultiply(generator[i], factor)
		}
	}
	return remainder
}

// qrMultiply returns a times b in GF(256), modulo x⁸+x⁴+x³+x²+1.
func qrMultiply(a, b byte) byte {
	product := 0
	for i := 7; i >= 0; i-- {
		product = product<<1 ^ product>>7*0x11d
		product ^= int(b>>i&1) * int(a)
	}
	return byte(product)
}
