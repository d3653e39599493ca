import{a,b,c}from"./chunk-C6W5ZABL.js";export{b as CID_MARK,a as STYLE_MARK,c as sanitise};
