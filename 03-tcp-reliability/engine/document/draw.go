package document

// draw makes the picture and the plots.
func draw(d *Document, r, before *one, v View) error {
	d.Picture = "<svg></svg>"
	d.Plots = []Plot{}
	return nil
}
