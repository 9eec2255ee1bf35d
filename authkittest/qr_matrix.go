// QR codes: places the modules in the square and draws the picture.

package authkittest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

const (
	qrQuietZone  = 4     // margin in modules that scanners need
	qrModuleSize = 6     // in pixels
	qrMask       = 0b000 // (row+column)%2; all eight masks are valid
)

// qrMatrix is the square of modules. The modules of the function patterns are marked as taken before data is placed.
type qrMatrix struct {
	size  int
	dark  [][]bool
	taken [][]bool
}

func newQRMatrix(version int, alignment []int) *qrMatrix {
	q := &qrMatrix{size: 17 + 4*version}
	for range q.size {
		q.dark = append(q.dark, make([]bool, q.size))
		q.taken = append(q.taken, make([]bool, q.size))
	}
	last := q.size - 7
	for i := range q.size { // timing
		q.set(6, i, i%2 == 0)
		q.set(i, 6, i%2 == 0)
	}
	for _, at := range [][2]int{{3, 3}, {3, last + 3}, {last + 3, 3}} { // finders with their separators
		q.rings(at[0], at[1], 4, func(ring int) bool { return ring != 2 && ring != 4 })
	}
	for i, row := range alignment {
		for j, column := range alignment {
			end := len(alignment) - 1
			if i == 0 && j == 0 || i == 0 && j == end || i == end && j == 0 {
				continue // place of a finder
			}
			q.rings(row, column, 2, func(ring int) bool { return ring != 1 })
		}
	}
	q.format()
	if version >= 7 {
		q.version(version)
	}
	return q
}

func (q *qrMatrix) set(row, column int, dark bool) {
	if row >= 0 && row < q.size && column >= 0 && column < q.size {
		q.dark[row][column], q.taken[row][column] = dark, true
	}
}

// rings draws concentric squares around a module. dark returns the colour of each square.
func (q *qrMatrix) rings(row, column, radius int, dark func(ring int) bool) {
	for r := -radius; r <= radius; r++ {
		for c := -radius; c <= radius; c++ {
			q.set(row+r, column+c, dark(max(r, -r, c, -c)))
		}
	}
}

// format places the level (01 is L) and the mask twice, with a BCH(15,5) code (clause 7.9).
func (q *qrMatrix) format() {
	bits := (bch(0b01<<3|qrMask, 10, 0x537)) ^ 0x5412
	for i := range 15 {
		dark := bits>>i&1 == 1
		switch { // beside the upper left finder, without the timing pattern
		case i < 6:
			q.set(i, 8, dark)
		case i < 8:
			q.set(i+1, 8, dark)
		case i < 9:
			q.set(8, 7, dark)
		default:
			q.set(8, 14-i, dark)
		}
		if i < 8 { // beside the two other finders
			q.set(8, q.size-1-i, dark)
		} else {
			q.set(q.size-15+i, 8, dark)
		}
	}
	q.set(q.size-8, 8, true)
}

// version places the version number twice, with a BCH(18,6) code (clause 7.10).
func (q *qrMatrix) version(number int) {
	bits := bch(number, 12, 0x1f25)
	for i := range 18 {
		dark := bits>>i&1 == 1
		q.set(q.size-11+i%3, i/3, dark)
		q.set(i/3, q.size-11+i%3, dark)
	}
}

// bch returns value followed by the n bits of its remainder by generator.
func bch(value, n, generator int) int {
	remainder := value
	for range n {
		remainder = remainder<<1 ^ remainder>>(n-1)*generator
	}
	return value<<n | remainder
}

// place places the codewords in columns of two modules, alternately up and down from the lower right, and masks them
// (clauses 7.7.3, 7.8).
func (q *qrMatrix) place(codewords []byte) {
	i := 0
	for right := q.size - 1; right > 0; right -= 2 {
		if right == 6 {
			right-- // the column of the timing pattern
		}
		for step := range q.size {
			row := step
			if (right+1)&2 == 0 {
				row = q.size - 1 - step
			}
			for _, column := range []int{right, right - 1} {
				if q.taken[row][column] {
					continue
				}
				bit := i < len(codewords)*8 && codewords[i/8]>>(7-i%8)&1 == 1
				q.dark[row][column] = bit != ((row+column)%2 == 0)
				i++
			}
		}
	}
}

func (q *qrMatrix) png() ([]byte, error) {
	side := (q.size + 2*qrQuietZone) * qrModuleSize
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			row, column := y/qrModuleSize-qrQuietZone, x/qrModuleSize-qrQuietZone
			if row >= 0 && row < q.size && column >= 0 && column < q.size && q.dark[row][column] {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return out.Bytes(), err
}
