/**
 * Names of properties that only these sources use: the build makes them short.  What has to keep its
 * name is not among them, or is quoted where it is used: traits, messages and metadata of the Python
 * side, attributes, whatever a host or a browser reads.  A name forgotten here costs some bytes, a
 * name too many breaks a view: the tests of the bundle in a browser see that.
 */
export const OURS = `
above active alone ancestry anchor angle answer antisymmetric axis bars baseline beyond busy can
carried cell cellLargest cells changes channel climb colours column columns contrast count cross
decision delta dim dismiss dragging draw drawn edges empty enter entering error errors evidence
exact film filmLimit first flips flow frames form fresh funnel fusion gain gamma gaps given
granularity hatches head heads held high holes hover hoverLayer knee labels lam largest last late
layer layers layout lens lensY limit links listen live look lost low magnification magnified margin
mass matrices matrix members mid middle minus missing most name names nameWidth net nextTheme
noHeads note offsets opposing order output pair pairs passageIds peaks pending pick picture pin
places play playing plus point pooled prepare preview probs readout reason receive recipe redo
residual resting ribbon ribbons root rotate row rowOf rows rowsOf rtl scale scales scene score
second segments selected sentenceIds shade share shown side sides sight sign signals single slider
sliver slot small span special specimen state still states stop stops strips strong supporting
survey taken target tell text texts theme tokens tone total traits undo unit unitAt units untold
walk weights wide window wordIds worst yHigh yLow zero zoom zoomKeys
`
  .trim()
  .split(/\s+/);
