import{a,b,c}from"./chunk-45QEYHEL.js";export{b as CID_MARK,a as STYLE_MARK,c as sanitise};
